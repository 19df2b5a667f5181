# SPDX-License-Identifier: Apache-2.0
# cmake -D build=... -D examples=... -D work=... -P package_test.cmake
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed with ${result}: ${ARGN}")
  endif()
endfunction()

file(REMOVE_RECURSE ${work})
set(prefix ${work}/prefix)
run(${CMAKE_COMMAND} --install ${build} --component sdk --prefix ${prefix})

# No header of gRPC, LibTorch or protobuf is asked of the user.
file(GLOB_RECURSE headers ${prefix}/include/*.h)
foreach(header IN LISTS headers)
  file(STRINGS ${header} forbidden
    REGEX "#include.*(grpc|torch/|google/|\\.pb\\.h|nlohmann|openssl)")
  if(forbidden)
    message(FATAL_ERROR "${header}: ${forbidden}")
  endif()
endforeach()

run(${CMAKE_COMMAND} -S ${examples} -B ${work}/build -G Ninja
  "-DCMAKE_PREFIX_PATH=${prefix};${prefix_path}"
  -DCMAKE_CXX_COMPILER=${compiler} -DCMAKE_CXX_COMPILER_LAUNCHER=${launcher})
run(${CMAKE_COMMAND} --build ${work}/build)
run(${work}/build/own_trainer --self-check)
if(torch)
  run(${work}/build/torch_client --self-check)
endif()
