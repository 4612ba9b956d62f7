// Whether the bfloat16 dot product is there. Highway's target does not tell:
// its machines differ in this extension.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear/bf16_dot.cpp"
#include "hwy/foreach_target.h"  // first: it includes this file per target

#include "hwy/highway.h"

#include "kernels/linear/float_scratch.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3_DL
bool machine_has_it() {
  // Leaf 7, subleaf 1, EAX bit 5: AVX512_BF16.
  uint32_t eax = 7;
  uint32_t ebx = 0;
  uint32_t ecx = 1;
  uint32_t edx = 0;
  asm("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  return (eax >> 5 & 1) != 0;
}

bool HasBf16Dot() {
  // A virtual machine takes a microsecond to answer.
  static const bool answer = machine_has_it();
  return answer;
}
#else
bool HasBf16Dot() {
  return false;
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(HasBf16Dot);

namespace {
bool allowed_by_tests = true;
}

bool has_bf16_dot() {
  return allowed_by_tests && HWY_DYNAMIC_DISPATCH(HasBf16Dot)();
}

void allow_bf16_dot(bool allowed) {
  allowed_by_tests = allowed;
}

}  // namespace hadal
#endif
