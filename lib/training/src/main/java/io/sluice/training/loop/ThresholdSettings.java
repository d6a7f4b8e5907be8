package io.sluice.training.loop;

import java.io.Serializable;

/**
 * Which numbers of a gradient are sent at once by a {@link ThresholdGradient}.
 *
 * @param threshold those of at least this magnitude, in units of a step's mean gradient; 0 where
 *     {@code density} says it
 * @param density the largest, this share of them; 0 to 1/16
 */
public record ThresholdSettings(double threshold, double density) implements Serializable {
  /** From this share on a map of all numbers is shorter than a list of those that are sent. */
  public static final double MAX_DENSITY = 1.0 / 16;
}
