list(APPEND kernel_sources rms_norm/rms_norm_check.cpp rms_norm/rms_norm_cpu.cpp
  rms_norm/rms_norm_reference.cpp)
list(APPEND kernel_tests rms_norm/rms_norm_test.cpp)
