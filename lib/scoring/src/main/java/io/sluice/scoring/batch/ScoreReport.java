package io.sluice.scoring.batch;

import java.util.List;
import java.util.Map;

/** What a scoring run did; Jackson writes it as the job's last line. */
public sealed interface ScoreReport permits WindowScoreReport, DocumentScoreReport {
  /** The predictions table. */
  String predictions();

  /** Rows. */
  long predictionsWritten();

  /** Windows or documents by predicted class; none where no class is predicted. */
  Map<String, Long> predictedClasses();

  /** What a person should know though it was scored. */
  List<String> warnings();
}
