package io.sluice.scoring.evaluation;

import io.sluice.sequences.dataset.Segment;

/**
 * A window before it is cut.
 *
 * @param segment holds it
 * @param origin index in the segment of its last look-back step
 */
record Window(Segment segment, int origin) {
  String series() {
    return segment.series();
  }

  /** Time of the last look-back step, ticks. */
  long originTime() {
    return segment.times()[origin];
  }
}
