list(APPEND kernel_tests simd/simd_test.cpp)
