package io.sluice.benchmarks.longmemory;

import io.sluice.benchmarks.Report;
import io.sluice.benchmarks.longmemory.Lesson.Outcome;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What a cell made of a task and a delay: all seeds, at the better of its learning rates. */
final class Learner {
  private final List<Outcome> outcomes;
  private final Map<Double, Double> errorByRate;
  private final double rate;

  /**
   * @param all of one task, delay and cell: every seed at every learning rate
   */
  Learner(List<Outcome> all) {
    errorByRate =
        all.stream()
            .collect(
                Collectors.groupingBy(
                    outcome -> outcome.lesson().learningRate(),
                    LinkedHashMap::new,
                    Collectors.averagingDouble(Outcome::error)));
    rate =
        errorByRate.entrySet().stream()
            .min(Comparator.comparingDouble(this::finite))
            .orElseThrow()
            .getKey();
    outcomes = all.stream().filter(outcome -> outcome.lesson().learningRate() == rate).toList();
  }

  private double finite(Map.Entry<Double, Double> entry) {
    return Double.isNaN(entry.getValue()) ? Double.POSITIVE_INFINITY : entry.getValue();
  }

  /** Mean of the seeds' final errors. */
  double error() {
    return errorByRate.get(rate);
  }

  long seedsLearnt() {
    return outcomes.stream().filter(Outcome::isLearnt).count();
  }

  /** Task, delay and cell in words. */
  String title() {
    Lesson lesson = outcomes.get(0).lesson();
    return "%s, delay %d, %s".formatted(lesson.task(), lesson.delay(), lesson.cell().label());
  }

  Map<String, Object> toJson() {
    var json = new LinkedHashMap<String, Object>();
    json.put("error", Report.rounded(error()));
    json.put("errorBySeed", outcomes.stream().map(o -> Report.rounded(o.error())).toList());
    json.put("learningRate", rate);
    errorByRate.forEach((each, error) -> json.put("errorAt" + each, Report.rounded(error)));
    json.put("learnt", seedsLearnt() == outcomes.size());
    json.put("seedsLearnt", "%d of %d".formatted(seedsLearnt(), outcomes.size()));
    json.put(
        "learntAtStep",
        outcomes.stream()
            .map(Outcome::learntAt)
            .filter(OptionalInt::isPresent)
            .map(OptionalInt::getAsInt)
            .toList());
    json.put("gradientNormAtInitialisation", norms(Outcome::before));
    json.put("gradientNormAtTheEnd", norms(Outcome::after));
    return json;
  }

  /** Medians over the seeds by time steps from the end. */
  Map<String, Object> norms(Function<Outcome, Map<Integer, Double>> when) {
    var json = new LinkedHashMap<String, Object>();
    for (int distance : when.apply(outcomes.get(0)).keySet()) {
      List<Double> sorted =
          outcomes.stream().map(outcome -> when.apply(outcome).get(distance)).sorted().toList();
      json.put(Integer.toString(distance), Report.rounded(sorted.get(sorted.size() / 2)));
    }
    return json;
  }
}
