/*
 * What systemd is told: a datagram to the socket in $NOTIFY_SOCKET. Nothing happens without one. Source:
 * sd_notify(3). Thread: control.
 */
#ifndef CONTROL_NOTIFY_H
#define CONTROL_NOTIFY_H

/* Sends an assignment or several, a line each: "READY=1". Never blocks; what cannot be sent is lost. */
void notify(const char *state);

#endif
