// SPDX-License-Identifier: Apache-2.0
// Synthetic(alpha, beta) of FedProx (Li, Sahu, Zaheer, Sanjabi, Talwalkar,
// Smith 2020, "Federated Optimization in Heterogeneous Networks", section 5.1),
// after LEAF's Synthetic (Shamir et al. 2014). For device k:
//
//   u ~ N(0, alpha) ,  B ~ N(0, beta)
//   W in R^(10 x 60) , b in R^10 ~ N(u, 1)          the local model
//   v_j ~ N(B, 1) ,  x ~ N(v, diag(j^-1.2))         the local data
//   y = argmax(softmax(W x + b)) = argmax(W x + b)
//
// The second argument of N(0, alpha) is a standard deviation, as in the
// authors' generate_synthetic.py; so is the size of a device,
// floor(lognormal(4, 2)) + 50. With `iid` W and b are one draw of N(0, 1) for
// all and every v is 0.
#pragma once

#include "absl/status/statusor.h"
#include "simulation/datasets/examples.h"

namespace tributary::datasets {

// `source` has its defaults. Drawn from KeyedStream(run_key,
// "synthetic/<device>"), so that the first devices are the same however many
// there are.
absl::StatusOr<Examples> Read(const v1::DataSource::Synthetic& source,
                              const Key& run_key);

}  // namespace tributary::datasets
