# Debian arm64 from any Debian host: cross/arm64.sh makes the sysroot and calls CMake with this.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(GERBANG_SYSROOT "$ENV{GERBANG_SYSROOT}" CACHE PATH "Unpacked Debian arm64 packages")
# The compiler's own libc comes with its package; the sysroot adds the libraries, so it is a place
# to look in rather than CMAKE_SYSROOT.
set(CMAKE_FIND_ROOT_PATH ${GERBANG_SYSROOT} /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(lib ${GERBANG_SYSROOT}/usr/lib/aarch64-linux-gnu)
set(CMAKE_CXX_FLAGS_INIT "-isystem ${GERBANG_SYSROOT}/usr/include/aarch64-linux-gnu")
set(CMAKE_EXE_LINKER_FLAGS_INIT
    "-L${lib} -Wl,-rpath-link,${lib} -Wl,-rpath-link,${GERBANG_SYSROOT}/lib/aarch64-linux-gnu")
set(ENV{PKG_CONFIG_DIR} "")
set(ENV{PKG_CONFIG_LIBDIR} "${lib}/pkgconfig:${GERBANG_SYSROOT}/usr/share/pkgconfig")
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${GERBANG_SYSROOT})
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static;-L;${GERBANG_SYSROOT})
