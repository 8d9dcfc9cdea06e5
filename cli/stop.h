/* Until when to go on, for commands that run until they are told to stop. */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <stdbool.h>

/* From now on SIGINT and SIGTERM do not end the program, but make the descriptor that is returned readable.
 */
int stop_begin(void);
/* Waits for one of them, `msec` at the most; `stop` -1: for as long. Returns whether there was one. */
bool stop_wait(int stop, int msec);
/* The end is under way: the next signal ends the program as usual. */
void stop_end(int stop);

#endif
