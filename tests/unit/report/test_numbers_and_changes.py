"""Numbers and improvements in words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuner_protos.v1 import data_pb2 as pb

from tuner.report.change import change, checked_change, interval
from tuner.report.numbers import configuration_text, duration, measured, number, quantity, value_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1.000"),
        (12.3456, "12.35"),
        (12345.678, "12346"),
        (0.00123456, "0.001235"),
        (-3.2, "-3.200"),
        (1e-9, "1.000e-09"),
        (123456789012.0, "1.235e+11"),
        (math.nan, "nan"),
        (math.inf, "inf"),
    ],
)
def test_numbers_have_four_significant_digits(value, text):
    assert number(value) == text


@given(st.floats(-1e300, 1e300))
def test_a_number_reads_back_as_nearly_itself(value):
    assert float(number(value)) == pytest.approx(value, rel=5e-4, abs=5e-324)


def test_the_unit_of_a_plain_number_is_not_shown():
    assert quantity(0.95, "1") == "0.9500"
    assert quantity(0.95, "") == "0.9500"
    assert quantity(2.5, "ms") == "2.500 ms"


def test_a_measurement_shows_its_standard_error_only_where_it_is_known():
    assert measured(pb.Observation(mean=3.0, variance=0.04, n=4)) == "3.000 ± 0.1"
    assert measured(pb.Observation(mean=3.0, n=1)) == "3.000"
    assert measured(pb.Observation(mean=3.0, variance=0.0, n=4)) == "3.000"
    assert measured(pb.Observation(mean=3.0, variance=1e-31, n=4)) == "3.000"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
        (180000, "2 d 2 h"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_configurations_show_what_differs():
    one = {"b": pb.Value(bool_value=True), "a": pb.Value(double_value=0.1), "c": pb.Value(string_value="x y")}
    assert configuration_text(one) == "a=0.1 b=true c=x y"
    assert configuration_text(one, {**one, "a": pb.Value(double_value=0.2)}) == "a=0.1"
    assert configuration_text(one, one) == "as the default"
    assert configuration_text({}) == ""
    assert value_text(pb.Value()) == "?"


@pytest.mark.parametrize(
    ("default", "recommended", "maximize", "unit", "text"),
    [
        (30.0, 7.0, False, "ms", "4.3x faster"),
        (7.0, 30.0, False, "ms", "4.3x slower"),
        (10.0, 8.8, False, "ms", "12% lower"),
        (4.0, 2.0, False, "J", "2.0x lower"),
        (100.0, 230.0, True, "1/s", "2.3x higher"),
        (10.0, 20.0, True, "s", "2.0x higher"),
        (0.9, 0.95, True, "1", "5.6% higher"),
        (1.0, 1.0001, False, "ms", "the same"),
        (0.0, 2.0, True, "", "2.000 higher"),
        (-3.0, -4.5, False, "dB", "1.500 dB lower"),
        (-1.0, 2.0, True, "", "3.000 higher"),
        (5.0, 0.0, False, "J", "5.000 J lower"),
        (0.0, 0.0, False, "J", "the same"),
        (1e-300, 1e300, True, "", "inf"),
    ],
)
def test_a_change_in_words(default, recommended, maximize, unit, text):
    said = change(default, recommended, maximize=maximize, unit=unit)
    if text == "inf":
        assert "higher" in said
    else:
        assert said == text


def test_a_check_without_a_ratio_gives_the_difference():
    metric = pb.CheckedMetric(metric="loss", default_mean=-1.0, recommended_mean=-3.0, unit="nat")
    assert checked_change(metric, maximize=False) == "2.000 nat lower"


@pytest.mark.parametrize(
    ("low", "high", "ratio", "text"),
    [
        (0.4, 0.5, 0.45, "2.0x to 2.5x"),
        (2.0, 2.5, 2.2, "2.0x to 2.5x"),
        (0.86, 0.92, 0.89, "-14% to -8%"),
        (0.4, 1.2, 0.6, "-60% to +20%"),
        (0.0, math.inf, 0.5, ""),
        (0.0, 0.0, 0.0, ""),
        (0.4, 0.5, math.nan, ""),
    ],
)
def test_an_interval_is_on_the_scale_of_its_change(low, high, ratio, text):
    assert interval(low, high, ratio) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (9.05e-05, "J", "90.50 µJ"),
        (0.0446, "ms", "44.60 µs"),
        (1500.0, "ms", "1.500 s"),
        (7200.0, "s", "7200 s"),
        (2.5e6, "Hz", "2.500 MHz"),
        (-0.002, "J", "-2.000 mJ"),
        (0.0, "J", "0 J"),
        (3e-14, "s", "3.000e-05 ns"),
        (0.25, "m", "0.2500 m"),
        (1200.0, "images/s", "1200 images/s"),
        (0.0001, "1", "0.0001000"),
    ],
)
def test_units_that_take_prefixes_are_scaled_to_them_and_no_others(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text
