# Finds Python packages that contain C++ sources, for machines whose only package manager is pip.

# Sets ${out} to the package's folder, or to "" if Python or the package is missing.
function(backpass_python_package_dir package out)
  backpass_ask_python("import importlib.util as u; s = u.find_spec('${package}'); print(list(s.submodule_search_locations)[0])"
                      answer)
  set(${out} "${answer}" PARENT_SCOPE)
endfunction()

# Sets ${out} to the output of the one-line program, or to "" if the program fails.
function(backpass_ask_python program out)
  set(answer "")
  find_package(Python COMPONENTS Interpreter QUIET)
  if(Python_EXECUTABLE)
    execute_process(COMMAND ${Python_EXECUTABLE} -c "${program}" OUTPUT_VARIABLE answer RESULT_VARIABLE failed
                    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(failed)
      set(answer "")
    endif()
  endif()
  set(${out} "${answer}" PARENT_SCOPE)
endfunction()
