# SPDX-License-Identifier: MIT

# What apply.py puts into rpython/rlib/rvmprof/cintf.py, where make_eci() was.
# All else there stays as it is: the names and types of the C functions are the
# same. Python 2, as RPython is.

def make_eci():
    """librvmprof as pkg-config finds it, and the glue that is compiled into
    the VM."""
    if make_eci.called:
        raise ValueError("make_eci() should be called at most once")
    make_eci.called = True
    glue = dict(
        include_dirs=[SRC],
        includes=['rvmprof.h', 'vmprof_stack.h'],
        separate_module_files=[SRC.join('rvmprof.c')],
        compile_extra=['-DRPYTHON_VMPROF'],
    )
    found = ExternalCompilationInfo.from_pkg_config('rvmprof')
    untranslated = dict(glue, compile_extra=['-DRPYTHON_VMPROF',
                                             '-DRPYTHON_LL2CTYPES'])
    platform.verify_eci(ExternalCompilationInfo(**untranslated).merge(found))
    return ExternalCompilationInfo(**glue).merge(found)
make_eci.called = False
