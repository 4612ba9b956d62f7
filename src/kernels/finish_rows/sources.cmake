list(APPEND kernel_sources finish_rows/finish_rows.cpp
  finish_rows/finish_rows_check.cpp)
list(APPEND kernel_tests finish_rows/finish_rows_test.cpp)
