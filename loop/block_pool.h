// The per-thread free list of 16 KiB blocks behind Arena and BlockChain.
//
// A block that was just given back is warm in the cache, so it is the next one handed out. At most
// `kept_blocks_max` are kept (8 MiB a thread); what is more goes back to malloc, as does everything
// when the thread ends. A block may be given back on another thread than it was taken on.
#pragma once

#include <cstddef>

namespace fluxgate::loop::block_pool {

inline constexpr size_t block_bytes = 16 * 1024;
inline constexpr size_t kept_blocks_max = 512;

// `block_bytes`, uninitialised, aligned for any type. Out of memory aborts, as operator new would.
[[nodiscard]] void* take();
void give(void* block) noexcept;

// Of this thread: blocks that wait for reuse, and mallocs made by take() since its start.
[[nodiscard]] size_t kept() noexcept;
[[nodiscard]] size_t mallocs() noexcept;
// Frees all kept blocks of this thread.
void trim() noexcept;

}  // namespace fluxgate::loop::block_pool
