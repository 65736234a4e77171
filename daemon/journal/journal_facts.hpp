#pragma once

#include "common/model/journal_facts.hpp"
