/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cmocka wants to see before its own header, in its order. Every
 * test_X.c is a program: tests are functions whose names are sentences, main
 * runs them as one group.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
