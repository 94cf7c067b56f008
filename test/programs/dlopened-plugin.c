// What dlopened loads.
#include "parts.h"

FUNCTION void own_work(struct part *part) { spend(part, 400000); }

FUNCTION void in_plugin(struct part *part, void (*callback)(void)) {
  own_work(part);
  callback();
  NO_TAIL_CALL;
}
