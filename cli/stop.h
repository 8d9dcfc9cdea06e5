/* Until when to go on, for commands that run until they are told to stop. */
#ifndef CLI_STOP_H
#define CLI_STOP_H

/* From now on SIGINT and SIGTERM do not end the program, but make the descriptor that is returned readable.
 */
int stop_begin(void);
/* The end is under way: the next signal ends the program as usual. */
void stop_end(int stop);

#endif
