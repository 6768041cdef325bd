/// The inverse of the standard normal distribution, with the same bits on every machine: it uses only + − × ÷ and sqrt.
#pragma once

namespace backpass {

/// Φ⁻¹(p) for 0 < p < 1 with a relative error of about 1e-15.
/// M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37, 1988
/// (PPND16).
[[nodiscard]] double normal_quantile(double p) noexcept;

}  // namespace backpass
