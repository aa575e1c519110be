#ifndef NACRE_CPERL_PSGI_H
#define NACRE_CPERL_PSGI_H

#include "cperl_call.h"
#include "cperl_value.h"

#endif
