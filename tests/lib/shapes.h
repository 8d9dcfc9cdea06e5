/* Shape tables: a line of every shape that a program writes, and in short what it says of a session.
 *
 *     # smtp_in.c, smtp_handle_acl_fail()             where the program writes it
 *     + 22: NOQUEUE: connect from mail [192.0.2.1]    is read before each row under the heading
 *     passed | mx exim[22]: ...                       known as such, and of no session
 *     192.0.2.1 rcpt rejected 550 recipient | ...     TAKEN: address, stage, ending, verdict, reply, evidence
 *
 * Lines are as in cases, without the time. */
#ifndef TESTS_LIB_SHAPES_H
#define TESTS_LIB_SHAPES_H

/* Runs all rows of the table; fails the test that calls it. With SHOW_CASES set it prints the table with what
 * was found in place of what was expected. */
void shapes_check(const char *path);

#endif
