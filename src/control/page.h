/*
 * GET /: the page for people. Its files stand in src/control/page, with the charting library from the
 * machine's package, and become part of the program during the build (report/asset). They know nothing: what
 * they show they ask the API for, by its rules. So they are served to everybody who asks under our own name.
 *
 * Thread: control.
 */
#ifndef CONTROL_PAGE_H
#define CONTROL_PAGE_H

struct call;

/* GET / */
void page_root(struct call *call);
/* GET /page/{file} */
void page_file(struct call *call);

#endif
