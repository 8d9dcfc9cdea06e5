/* Databases as earlier versions laid them out, made out of today's. */
#ifndef TESTS_LAYOUTS_H
#define TESTS_LAYOUTS_H

/* Takes a database back to the layout of that number, 2 or later; a failure ends the test. */
void layout_back(const char *database, int layout);

#endif
