#!/usr/bin/env python3
"""Runs a command in a process where io_uring_setup fails with EPERM, as container run-times make it.

    without_io_uring.py COMMAND [ARGUMENT...]

A seccomp filter of four instructions; it needs no privilege, and the command inherits it.
"""
import ctypes
import errno
import os
import struct
import sys

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
SECCOMP_MODE_FILTER = 2
RET_ALLOW, RET_ERRNO = 0x7FFF0000, 0x00050000
LOAD_WORD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
IO_URING_SETUP = 425  # on every architecture

program = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in (
        (LOAD_WORD, 0, 0, 0),  # seccomp_data.nr
        (JUMP_EQUAL, 0, 1, IO_URING_SETUP),
        (RETURN, 0, 0, RET_ERRNO | errno.EPERM),
        (RETURN, 0, 0, RET_ALLOW),
    )
)
instructions = ctypes.create_string_buffer(program)
filter_program = ctypes.create_string_buffer(
    struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
)
libc = ctypes.CDLL(None, use_errno=True)
for arguments in (
    (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
    (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_program, 0, 0),
):
    if libc.prctl(*arguments) != 0:
        sys.exit(f"prctl{arguments[:2]}: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[1], sys.argv[1:])
