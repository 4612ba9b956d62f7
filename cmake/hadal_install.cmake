# The installed package: program, libraries, public headers, bundled model.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(HADAL_NANO_DIR ${CMAKE_INSTALL_DATADIR}/hadal/models/nano)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/hadal)

# hadal::hadal joins the folders' libraries; users link nothing else.
set(hadal_libraries hadal_base hadal_text hadal_checkpoint hadal_kernels
  hadal_weights hadal_cache hadal_model hadal_executor hadal_grammar
  hadal_generation hadal_engine)
if(HADAL_CUDA)
  list(APPEND hadal_libraries hadal_kernels_cuda)
endif()
add_library(hadal INTERFACE)
add_library(hadal::hadal ALIAS hadal)
target_link_libraries(hadal INTERFACE hadal_engine)
target_compile_features(hadal INTERFACE cxx_std_20)

install(TARGETS hadal ${hadal_libraries} EXPORT hadalTargets)
install(TARGETS hadal_cli)
install(EXPORT hadalTargets NAMESPACE hadal:: DESTINATION ${package_dir})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/hadal
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/nano
  DESTINATION ${CMAKE_INSTALL_DATADIR}/hadal/models
  PATTERN golden.safetensors EXCLUDE
  PATTERN skills.jsonl EXCLUDE)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/hadalConfig.cmake.in
  ${PROJECT_BINARY_DIR}/hadalConfig.cmake
  INSTALL_DESTINATION ${package_dir}
  PATH_VARS HADAL_NANO_DIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/hadalConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/hadalConfig.cmake
  ${PROJECT_BINARY_DIR}/hadalConfigVersion.cmake DESTINATION ${package_dir})
