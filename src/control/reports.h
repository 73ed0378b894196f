/*
 * The pages that rollouts have left (control/aftermath), for those who look from afar:
 *
 *   GET /v1/reports         which there are, newest first
 *   GET /v1/reports/{page}  one of them, as it was written
 *
 * A page tells what the API tells, so the API's rules are its own. It is served by its own policy, in a
 * sandbox: what runs in it cannot ask the API. Files that have not been written so are not served.
 *
 * Thread: control; a page is read at once, some hundred kilobytes from the disk's cache.
 */
#ifndef CONTROL_REPORTS_H
#define CONTROL_REPORTS_H

struct call;

enum { REPORTS_PAGE_MAX = 16 << 20 }; /* bytes */

void reports_list(struct call *call);
void reports_page(struct call *call);

#endif
