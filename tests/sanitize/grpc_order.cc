// SPDX-License-Identifier: Apache-2.0
// Tells ThreadSanitizer in which order gRPC runs our code. gRPC and abseil are
// the system's and not instrumented, so it cannot see that
//   - what is done before a batch of operations is started comes before what
//     the batch's end calls or wakes;
//   - OnDone of a server's call comes after its other reactions, which the
//     call counts;
//   - all calls of a server are over when it is destroyed;
//   - what is done under an absl::Mutex comes before what is done under it
//     afterwards. gRPC hands work from thread to thread under such. (Conditions
//     that an absl::Mutex awaits are not covered: ours are std::mutex.)
//   - all uses of an absl::Status come before it is deleted.
// Without this every reaction would look like a race with whoever caused it.
//
// This file stands before gRPC and abseil in each program of the tsan preset,
// and each function calls the one it stands before. It is not instrumented
// itself, and takes no lock and no atomic that ThreadSanitizer would see: an
// order that gRPC does not promise would hide races.
#include <dlfcn.h>
#include <grpc/grpc.h>
#include <link.h>
#include <sanitizer/tsan_interface.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <typeinfo>
#include <utility>

#include "absl/base/config.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace {

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "grpc_order: %s\n", what);
  std::abort();
}

// The function that this file stands before, by its mangled name.
void* FindNext(const char* name) {
  void* const function = dlsym(RTLD_NEXT, name);
  if (function == nullptr) Fail(name);
  return function;
}
// A member's name: "_ZN", the type's "N4absl5MutexE" and "4LockEv" make
// "_ZN4absl5Mutex4LockEv". abseil's inline namespace differs with its version.
void* FindNext(const char* prefix, const std::type_info& type,
               const char* member) {
  const std::string name = type.name();
  return FindNext((prefix + name.substr(1, name.size() - 2) + member).c_str());
}

template <typename Function>
class Next {
 public:
  template <typename... Name>
  Function* Find(const Name&... name) {
    Function* function = function_.load(std::memory_order_acquire);
    if (function == nullptr) {
      function = reinterpret_cast<Function*>(FindNext(name...));
      function_.store(function, std::memory_order_release);
    }
    return function;
  }

 private:
  std::atomic<Function*> function_ = nullptr;
};

// Where code lies, as opposed to data, in the program and its libraries.
struct Range {
  std::uintptr_t begin;
  std::uintptr_t end;
};
std::array<Range, 512> code;
std::size_t code_ranges = 0;

[[gnu::constructor]] void FindCode() {
  dl_iterate_phdr(
      [](dl_phdr_info* module, std::size_t, void*) {
        for (int i = 0; i < module->dlpi_phnum; ++i) {
          const ElfW(Phdr)& part = module->dlpi_phdr[i];
          if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0) continue;
          if (code_ranges == code.size()) Fail("too many libraries");
          const std::uintptr_t begin = module->dlpi_addr + part.p_vaddr;
          code[code_ranges++] = {begin, begin + part.p_memsz};
        }
        return 0;
      },
      nullptr);
}

template <typename Function>
bool IsCode(Function* function) {
  const auto place = reinterpret_cast<std::uintptr_t>(function);
  return std::any_of(code.begin(), code.begin() + code_ranges,
                     [place](const Range& range) {
                       return place >= range.begin && place < range.end;
                     });
}

using Functor = grpc_completion_queue_functor;
using Run = void(Functor*, int);

// The functions that gRPC's callback API calls at the end of a batch: one for
// each kind of tag (and library that has its own copy).
constexpr std::size_t kMaxKinds = 8;
std::array<std::atomic<Run*>, kMaxKinds> kinds;

template <std::size_t kind>
void RunAfterStart(Functor* functor, int ok) {
  __tsan_acquire(functor);
  kinds[kind].load(std::memory_order_acquire)(functor, ok);
}

template <std::size_t... kind>
constexpr std::array<Run*, kMaxKinds> Table(std::index_sequence<kind...>) {
  return {&RunAfterStart<kind>...};
}
constexpr std::array<Run*, kMaxKinds> run_after_start =
    Table(std::make_index_sequence<kMaxKinds>());

// What to call instead of `run`.
Run* After(Run* run) {
  for (std::size_t kind = 0; kind < kMaxKinds; ++kind) {
    if (run == run_after_start[kind]) return run;
    Run* known = nullptr;
    if (kinds[kind].compare_exchange_strong(known, run) || known == run) {
      return run_after_start[kind];
    }
  }
  Fail("too many kinds of tags");
}

// A tag is a functor, or an object of C++ that begins with its virtual table.
void AnnounceStart(void* tag) {
  auto* functor = static_cast<Functor*>(tag);
  if (IsCode(functor->functor_run)) {
    functor->functor_run = After(functor->functor_run);
  }
  __tsan_release(tag);
}

grpc_event AfterStart(grpc_event event) {
  if (event.type == GRPC_OP_COMPLETE) __tsan_acquire(event.tag);
  return event;
}

// Stands for all calls that gRPC holds or held.
char calls;

// Before a use of something counted is given back, which may delete it.
void GiveBack(void* counted) {
  __tsan_release(counted);
  __tsan_acquire(counted);
}

}  // namespace

extern "C" {

grpc_call_error grpc_call_start_batch(grpc_call* call, const grpc_op* ops,
                                      size_t count, void* tag, void* reserved) {
  static constinit Next<decltype(grpc_call_start_batch)> next;
  if (tag != nullptr) AnnounceStart(tag);
  return next.Find("grpc_call_start_batch")(call, ops, count, tag, reserved);
}

grpc_event grpc_completion_queue_next(grpc_completion_queue* queue,
                                      gpr_timespec deadline, void* reserved) {
  static constinit Next<decltype(grpc_completion_queue_next)> next;
  return AfterStart(
      next.Find("grpc_completion_queue_next")(queue, deadline, reserved));
}

grpc_event grpc_completion_queue_pluck(grpc_completion_queue* queue, void* tag,
                                       gpr_timespec deadline, void* reserved) {
  static constinit Next<decltype(grpc_completion_queue_pluck)> next;
  return AfterStart(
      next.Find("grpc_completion_queue_pluck")(queue, tag, deadline, reserved));
}

void grpc_call_unref(grpc_call* call) {
  static constinit Next<decltype(grpc_call_unref)> next;
  __tsan_release(&calls);
  next.Find("grpc_call_unref")(call);
}

void grpc_server_destroy(grpc_server* server) {
  static constinit Next<decltype(grpc_server_destroy)> next;
  next.Find("grpc_server_destroy")(server);
  __tsan_acquire(&calls);
}

// grpc::internal::ServerCallbackCall::ScheduleOnDone(bool), which is private.
void ScheduleOnDone(void* call, bool here) __asm__(
    "_ZN4grpc8internal18ServerCallbackCall14ScheduleOnDoneEb");
void ScheduleOnDone(void* call, bool here) {
  static constinit Next<decltype(ScheduleOnDone)> next;
  // The object has a virtual table and two counts of four bytes each.
  for (int word = 2; word < 4; ++word) {
    __tsan_acquire(static_cast<std::int32_t*>(call) + word);
  }
  next.Find("_ZN4grpc8internal18ServerCallbackCall14ScheduleOnDoneEb")(call,
                                                                       here);
}

}  // extern "C"

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::Lock() {
  static constinit Next<void(Mutex*)> next;
  next.Find("_ZN", typeid(Mutex), "4LockEv")(this);
  __tsan_acquire(this);
}

bool Mutex::TryLock() {
  static constinit Next<bool(Mutex*)> next;
  const bool is_locked = next.Find("_ZN", typeid(Mutex), "7TryLockEv")(this);
  if (is_locked) __tsan_acquire(this);
  return is_locked;
}

void Mutex::Unlock() {
  static constinit Next<void(Mutex*)> next;
  __tsan_release(this);
  next.Find("_ZN", typeid(Mutex), "6UnlockEv")(this);
}

bool CondVar::WaitCommon(Mutex* mutex,
                         synchronization_internal::KernelTimeout timeout) {
  using Timeout = synchronization_internal::KernelTimeout;
  static constinit Next<bool(CondVar*, Mutex*, Timeout)> next;
  __tsan_release(mutex);
  const bool timed_out =
      next.Find("_ZN", typeid(CondVar),
                "10WaitCommonEPNS0_5MutexENS0_24synchronization_"
                "internal13KernelTimeoutE")(this, mutex, timeout);
  __tsan_acquire(mutex);
  return timed_out;
}

#if ABSL_LTS_RELEASE_VERSION < 20240116
void Status::UnrefNonInlined(std::uintptr_t rep) {
  static constinit Next<void(std::uintptr_t)> next;
  GiveBack(reinterpret_cast<void*>(rep));
  next.Find("_ZN", typeid(Status), "15UnrefNonInlinedEm")(rep);
}
#else
void status_internal::StatusRep::Unref() const {
  static constinit Next<void(const StatusRep*)> next;
  GiveBack(const_cast<StatusRep*>(this));
  next.Find("_ZNK", typeid(StatusRep), "5UnrefEv")(this);
}
#endif

ABSL_NAMESPACE_END
}  // namespace absl
