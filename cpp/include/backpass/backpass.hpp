/// \file backpass.hpp
/// Includes all public headers.
#pragma once

#include <backpass/compiler.hpp>  // first, because it reports an unsupported compiler

#include <backpass/activation.hpp>
#include <backpass/ensemble.hpp>
#include <backpass/error.hpp>
#include <backpass/gradient_check.hpp>
#include <backpass/initializer.hpp>
#include <backpass/input.hpp>
#include <backpass/interrupt.hpp>
#include <backpass/loss.hpp>
#include <backpass/matrix.hpp>
#include <backpass/network.hpp>
#include <backpass/optimizer.hpp>
#include <backpass/random.hpp>
#include <backpass/row_source.hpp>
#include <backpass/runtime.hpp>
#include <backpass/schedule.hpp>
#include <backpass/serialize.hpp>
#include <backpass/trainer.hpp>
#include <backpass/version.hpp>
