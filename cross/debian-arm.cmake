# What arm64.cmake and armhf.cmake share, which set `triplet` and `emulator` and include this: Debian
# for `triplet` from any Debian host. cross/build.sh makes the sysroot and calls CMake with one of
# them.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_CXX_COMPILER ${triplet}-g++)
set(GERBANG_SYSROOT "$ENV{GERBANG_SYSROOT}" CACHE PATH "Unpacked Debian packages of the target")
# The compiler's own libc comes with its package; the sysroot adds the libraries, so it is a place
# to look in rather than CMAKE_SYSROOT.
set(CMAKE_FIND_ROOT_PATH ${GERBANG_SYSROOT} /usr/${triplet})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
set(lib ${GERBANG_SYSROOT}/usr/lib/${triplet})
# Notes about how GCC 7 changed passing some arguments are of no use to us.
set(CMAKE_CXX_FLAGS_INIT "-isystem ${GERBANG_SYSROOT}/usr/include/${triplet} -Wno-psabi $ENV{GERBANG_CROSS_FLAGS}")
set(CMAKE_EXE_LINKER_FLAGS_INIT
    "-L${lib} -Wl,-rpath-link,${lib} -Wl,-rpath-link,${GERBANG_SYSROOT}/lib/${triplet}")
set(ENV{PKG_CONFIG_DIR} "")
set(ENV{PKG_CONFIG_LIBDIR} "${lib}/pkgconfig:${GERBANG_SYSROOT}/usr/share/pkgconfig")
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${GERBANG_SYSROOT})
set(CMAKE_CROSSCOMPILING_EMULATOR ${emulator};-L;${GERBANG_SYSROOT})
