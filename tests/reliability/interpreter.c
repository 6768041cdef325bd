/* Python's interpreter in a program of its own, so that it can be linked with the thread sanitizer: the sanitizer must
   start before everything else, and a library that is loaded before the program comes too late. */
#include <Python.h>

int main(int argc, char** argv) { return Py_BytesMain(argc, argv); }
