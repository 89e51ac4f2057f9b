// Entropy is injected: product code asks an Entropy, tests give a seeded one.
#pragma once

#include <cstddef>
#include <span>

namespace fluxgate::loop {

class Entropy {
public:
    virtual ~Entropy() = default;
    // Fills all of `out`. Never fails: a kernel without getrandom(2) aborts at start.
    virtual void fill(std::span<std::byte> out) = 0;
};

// getrandom(2). Stateless, usable from any thread.
class SystemEntropy final : public Entropy {
public:
    void fill(std::span<std::byte> out) override;
};

}  // namespace fluxgate::loop
