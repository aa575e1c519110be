#ifndef NACRE_CPERL_LOAD_H
#define NACRE_CPERL_LOAD_H

#include "cperl_value.h"

#endif
