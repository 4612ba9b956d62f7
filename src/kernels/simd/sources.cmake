list(APPEND kernel_tests simd/simd_test.cpp simd/exp_negative_test.cpp)
