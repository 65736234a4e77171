# Tests on real kernels, namespaces and processes: each part registers its own.
file(GLOB e2e_parts CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cmake)
list(FILTER e2e_parts EXCLUDE REGEX "/tests\\.cmake$")
foreach(e2e_part ${e2e_parts})
    include(${e2e_part})
endforeach()
