# SPDX-License-Identifier: Apache-2.0
# The SDK as a CMake package: find_package(Tributary COMPONENTS client torch)
# gives Tributary::client and Tributary::torch. Only what a user's code may
# include is installed: no generated headers, none of gRPC or LibTorch.
#
# `cmake --install BUILD --component sdk` installs the package alone.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package "${CMAKE_INSTALL_LIBDIR}/cmake/Tributary")
set(headers "${CMAKE_INSTALL_INCLUDEDIR}/tributary-1")

# What users link; the libraries behind it are details.
add_library(tributary_sdk INTERFACE)
add_library(Tributary::client ALIAS tributary_sdk)
set_target_properties(tributary_sdk PROPERTIES EXPORT_NAME client)
target_compile_features(tributary_sdk INTERFACE cxx_std_20)
set(client_libraries tributary_durable tributary_aggregation tributary_robust tributary_privacy
  tributary_secagg tributary_secagg_client tributary_dp tributary_proto
  tributary_codec tributary_privacy_codec tributary_proto_grpc tributary_client_core
  tributary_client_grpc tributary_data)
target_link_libraries(tributary_sdk INTERFACE
  tributary_client_grpc tributary_data)
install(TARGETS tributary_sdk ${client_libraries} EXPORT TributaryClient
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT sdk
  INCLUDES DESTINATION ${headers})
install(EXPORT TributaryClient NAMESPACE Tributary:: DESTINATION ${package}
  FILE TributaryClientTargets.cmake COMPONENT sdk)

if(TRIBUTARY_TORCH)
  add_library(tributary_torch_sdk INTERFACE)
  add_library(Tributary::torch ALIAS tributary_torch_sdk)
  set_target_properties(tributary_torch_sdk PROPERTIES EXPORT_NAME torch)
  target_link_libraries(tributary_torch_sdk INTERFACE
    tributary_sdk tributary_torch)
  install(TARGETS tributary_torch_sdk tributary_torch EXPORT TributaryTorch
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT sdk
    INCLUDES DESTINATION ${headers})
  install(EXPORT TributaryTorch NAMESPACE Tributary:: DESTINATION ${package}
    FILE TributaryTorchTargets.cmake COMPONENT sdk)
endif()

install(DIRECTORY ${PROJECT_SOURCE_DIR}/client/include/tributary
  DESTINATION ${headers} COMPONENT sdk)
install(FILES ${PROJECT_SOURCE_DIR}/aggregation/manifest.h
  DESTINATION ${headers}/aggregation COMPONENT sdk)
install(FILES ${PROJECT_SOURCE_DIR}/privacy/crypto/digest.h
  ${PROJECT_SOURCE_DIR}/privacy/crypto/random.h
  DESTINATION ${headers}/privacy/crypto COMPONENT sdk)

configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/TributaryConfig.cmake.in
  ${CMAKE_BINARY_DIR}/TributaryConfig.cmake INSTALL_DESTINATION ${package}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(
  ${CMAKE_BINARY_DIR}/TributaryConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/TributaryConfig.cmake
  ${CMAKE_BINARY_DIR}/TributaryConfigVersion.cmake
  DESTINATION ${package} COMPONENT sdk)
