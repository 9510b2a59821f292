# SPDX-License-Identifier: Apache-2.0
"""fitout against its peers, on the same work, in turns. In reading order:

    cli       options, and which lines are run
    box       namespaces that everything here happens in, and ends with
    inputs    the archives, made once into the cache directory
    servers   nginx: plain, TLS, paced
    links     1 Gbit/s and 200 Mbit/s between two network namespaces
    disks     an ext4 file system that nothing was ever deleted from
    memory    memory that the machine's host has given already
    work      what is to be put in place, and the digest of what was
    peers     how each program is told to do that work
    measure   one run: wall, cpu, memory, system calls; series of runs in turn
    lines_*   the lines of the target list, a function each
    growth    how cost grows with packages, files, bytes
    report    the table, and its file bench/RESULTS
    chart     bench/RESULTS.svg
"""
