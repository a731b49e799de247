//! Draws metric widgets as PNG: lines, areas, bars, pies, gauges and numbers.
