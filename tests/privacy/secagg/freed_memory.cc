// SPDX-License-Identifier: Apache-2.0
#include "tests/privacy/secagg/freed_memory.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <string.h>

#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t kMost = std::size_t{64} << 20;
unsigned char* kept = nullptr;  // kMost bytes, never from operator new
std::size_t filled = 0;
bool is_kept = false;
bool is_full = false;

void Keep(const void* block) {
  if (!is_kept || block == nullptr) return;
  const std::size_t length = ::malloc_usable_size(const_cast<void*>(block));
  if (filled + length > kMost) {
    is_full = true;
    return;
  }
  ::memcpy(kept + filled, block, length);
  filled += length;
}

void* SslAllocate(std::size_t length, const char*, int) {
  return length == 0 ? nullptr : std::malloc(length);
}
void SslFree(void* block, const char*, int) {
  Keep(block);
  std::free(block);
}
// What realloc leaves behind is what free would.
void* SslReallocate(void* block, std::size_t length, const char* file,
                    int line) {
  if (block == nullptr) return SslAllocate(length, file, line);
  if (length == 0) {
    SslFree(block, file, line);
    return nullptr;
  }
  void* moved = std::malloc(length);
  if (moved == nullptr) return nullptr;
  const std::size_t old = ::malloc_usable_size(block);
  ::memcpy(moved, block, old < length ? old : length);
  SslFree(block, file, line);
  return moved;
}

const bool sees_openssl =
    CRYPTO_set_mem_functions(SslAllocate, SslReallocate, SslFree) == 1;

}  // namespace

void* operator new(std::size_t length) {
  if (void* block = std::malloc(length == 0 ? 1 : length)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
  Keep(block);
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  ::operator delete(block);
}

namespace tributary::secagg {

bool SeesOpenSsl() { return sees_openssl; }

FreedMemory::FreedMemory() {
  if (kept == nullptr) kept = static_cast<unsigned char*>(std::malloc(kMost));
  filled = 0;
  is_full = false;
  is_kept = true;
}
FreedMemory::~FreedMemory() { is_kept = false; }

std::size_t FreedMemory::size() const { return filled; }

bool FreedMemory::Holds(std::span<const std::uint8_t> secret) const {
  return ::memmem(kept, filled, secret.data(), secret.size()) != nullptr;
}
bool FreedMemory::IsFull() const { return is_full; }

}  // namespace tributary::secagg
