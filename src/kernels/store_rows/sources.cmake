list(APPEND kernel_sources store_rows/store_rows.cpp
  store_rows/store_rows_check.cpp)
