/* tusk/tusk.h: everything. Each header also compiles alone; read them in this order. */
#ifndef TUSK_TUSK_H
#define TUSK_TUSK_H

#include <tusk/base.h>
#include <tusk/value.h>
#include <tusk/types.h>
#include <tusk/io.h>
#include <tusk/conn.h>
#include <tusk/credentials.h>
#include <tusk/sync.h>
#include <tusk/cursor.h>
#include <tusk/catalog.h>
#include <tusk/loop.h>
#include <tusk/listen.h>
#include <tusk/wire.h>
#include <tusk/escape.h>
#include <tusk/copy.h>
#include <tusk/large_object.h>
#include <tusk/pool.h>

#endif
