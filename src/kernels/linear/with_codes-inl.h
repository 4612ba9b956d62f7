// Which planes and decoder an integer product takes: the one place that knows
// all formats.
//
// Included once per target, after weight_codes-inl.h; not for HWY_SCALAR.
#if defined(HADAL_WITH_CODES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_WITH_CODES_INL_H_
#undef HADAL_WITH_CODES_INL_H_
#else
#define HADAL_WITH_CODES_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR

// Calls to.run<planes of the activations, affine, codes of 8 bits, decoder>().
template <class Run>
HWY_INLINE void with_codes(const IntegerJob& job, const Run& to) {
  if (job.input->format == ActivationFormat::int16)
    return to.template run<2, false, false, Fp4Codes>();
  if (job.weight->format == WeightFormat::mxfp4)
    return to.template run<1, false, false, Fp4Codes>();
  switch (job.weight->bits) {
    case 2:
      return to.template run<1, true, false, PackedCodes<2> >();
    case 3:
      return to.template run<1, true, false, PackedCodes<3> >();
    case 4:
      return to.template run<1, true, false, NibbleCodes>();
    case 5:
      return to.template run<1, true, false, PackedCodes<5> >();
    case 6:
      return to.template run<1, true, false, PackedCodes<6> >();
    default:
      return to.template run<1, true, true, ByteCodes>();
  }
}

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // include guard of the target
