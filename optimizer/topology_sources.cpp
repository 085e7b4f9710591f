// The kinds of sources that there are: all that the rest of the optimizer knows of them.
#include "optimizer/advantedge/options.h"
#include "optimizer/topology_source.h"

namespace mx2::optimizer {

Sources read_sources(config::Reader& reader) { return {advantedge::read_options(reader)}; }

}  // namespace mx2::optimizer
