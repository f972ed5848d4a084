// SPDX-License-Identifier: Apache-2.0
// Inside the room: where channels may go at all, by content/access/networks.json.
#pragma once

#include "content/content.h"
#include "outcome/outcome.h"
#include "text/networks.h"

namespace xinglin::outbound {

class ReceiverNetworks {
public:
    /// Without the file: everywhere that admits() (channel.h) lets them.
    static Result<ReceiverNetworks> read(const content::Files& files);
    /// Asked of every address a name stands for, when it is connected to.
    Result<Done> admits(std::string_view address) const;

private:
    text::Networks allowed_, never_;
};

}  // namespace xinglin::outbound
