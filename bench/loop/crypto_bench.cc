// What a credential, a signed session id and a base64 body cost.
#include "loop/crypto.h"

#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "bench/loop/bench_check.h"

namespace {

using namespace fluxgate::loop;

std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

void BM_Crypto_Sha256(benchmark::State& state) {
    BENCH_CHECK(state, hex(sha256("abc")).starts_with("ba7816bf8f01cfea"));
    const std::string token(static_cast<size_t>(state.range(0)), 't');
    for (auto _ : state) {
        benchmark::DoNotOptimize(sha256(token));
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Crypto_Sha256)->Arg(40)->Arg(800)->Arg(65536);

void BM_Crypto_HmacVerify(benchmark::State& state) {
    const HmacSha256 key("the server's own key, 32 bytes..");
    const std::string value(48, 'v');
    const Sha256 signature = key.sign(value);
    const std::string text(signature.begin(), signature.end());
    BENCH_CHECK(state, key.verify(value, text) && !key.verify(value + "x", text));
    for (auto _ : state) {
        benchmark::DoNotOptimize(key.verify(value, text));
    }
}
BENCHMARK(BM_Crypto_HmacVerify);

void BM_Crypto_EqualConstantTime(benchmark::State& state) {
    const std::string left(32, 'x');
    const std::string right = left;
    BENCH_CHECK(state, equal_constant_time(left, right));
    for (auto _ : state) {
        benchmark::DoNotOptimize(equal_constant_time(left, right));
    }
}
BENCHMARK(BM_Crypto_EqualConstantTime);

void BM_Crypto_Base64Encode(benchmark::State& state) {
    const std::string plain(static_cast<size_t>(state.range(0)), 'p');
    std::string text(base64_bytes(plain.size()), '\0');
    base64_encode_into(bytes_of(plain), text.data());
    BENCH_CHECK(state, base64_decode(text) == plain);
    for (auto _ : state) {
        benchmark::DoNotOptimize(base64_encode_into(bytes_of(plain), text.data()));
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Crypto_Base64Encode)->Arg(48)->Arg(15'000);

void BM_Crypto_Base64UrlDecode(benchmark::State& state) {
    const std::string plain(48, 'p');
    const std::string text = base64url(plain, Base64Padding::none);
    BENCH_CHECK(state, base64url_decode(text, Base64Padding::none) == plain);
    for (auto _ : state) {
        benchmark::DoNotOptimize(base64url_decode(text, Base64Padding::none));
    }
}
BENCHMARK(BM_Crypto_Base64UrlDecode);

// Cost 10 is what Fluxbase stores; it belongs to the BlockingPool.
void BM_Crypto_BcryptVerify(benchmark::State& state) {
    const std::array<std::byte, 16> salt{};
    const std::string hash = bcrypt_hash("password", static_cast<int>(state.range(0)), salt);
    BENCH_CHECK(state, bcrypt_verify("password", hash) && !bcrypt_verify("passwort", hash));
    for (auto _ : state) {
        benchmark::DoNotOptimize(bcrypt_verify("password", hash));
    }
}
BENCHMARK(BM_Crypto_BcryptVerify)->Arg(4)->Arg(10)->Unit(benchmark::kMillisecond);

}  // namespace
