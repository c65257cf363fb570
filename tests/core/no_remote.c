/* SPDX-License-Identifier: Apache-2.0 */
/* A shared object that is no zca-remote.so. */
const int zca_not_a_table = 0;
