// lib/event/libevent.h - libevent's header, with its `struct event` out of the way of our namespace.
//
// The C functions are not mangled, so only the name of an opaque struct changes. Nothing outside lib/event
// includes libevent.
#pragma once

#define event libevent_event
#include <event2/event.h>
#undef event
