package io.sluice.scoring.evaluation;

import io.sluice.scoring.baseline.ArimaOrders;
import io.sluice.scoring.baseline.SeasonalArima;
import io.sluice.scoring.baseline.SeriesValues;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.Split;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The ARIMA baseline on the windows that were kept for it.
 *
 * <p>Once a series and channel: gather the rows of those series, fit on the train rows, filter over
 * everything up to the last origin, forecast from each origin. Rows after an origin do not reach
 * its forecast. One task a series and channel.
 *
 * <p>Memory: the target channels of the series that have kept windows meet on the driver.
 */
final class ArimaRun {
  private final Workers workers;
  private final WindowSource.Opener opener;
  private final int[] channels;
  private final long stepTicks;
  private final int H;
  private final ArimaOrders orders;

  ArimaRun(
      Workers workers,
      WindowSource.Opener opener,
      int[] channels,
      long stepTicks,
      int H,
      ArimaOrders orders) {
    this.workers = workers;
    this.opener = opener;
    this.channels = channels.clone();
    this.stepTicks = stepTicks;
    this.H = H;
    this.orders = orders;
  }

  /**
   * Forecasts of all samples.
   *
   * @param forecasts (samples, H·K); NaN where the series could not be fitted
   * @param unfitted series and channels without a model
   */
  record Result(double[][] forecasts, List<String> unfitted, int fitted) {}

  /** Rows of a series: those of the train split, and all. */
  private record Rows(SeriesValues train, SeriesValues all) implements Serializable {
    Rows merge(Rows other) {
      return new Rows(train.merge(other.train), all.merge(other.all));
    }
  }

  private record Job(
      String series, int k, double[] train, double[] values, int[] origins, int[] samples)
      implements Serializable {}

  private record Answer(String series, int k, int[] samples, double[][] forecasts)
      implements Serializable {
    boolean isFitted() {
      return forecasts != null;
    }
  }

  /**
   * Forecasts from the origin of every sample.
   *
   * @param parts paths of all parts of the dataset
   */
  Result run(List<String> parts, List<ForecastPass.Sample> samples) {
    var last = new HashMap<String, Long>();
    samples.forEach(s -> last.merge(s.series(), s.originStep(), Math::max));
    Map<String, Rows> rows = gather(parts, last);
    int K = channels.length;
    var forecasts = new double[samples.size()][H * K];
    for (double[] forecast : forecasts) {
      Arrays.fill(forecast, Double.NaN);
    }
    ArrayList<Job> jobs = jobs(samples, rows, last);
    ArimaOrders ofAll = orders;
    int steps = H;
    List<Answer> answers =
        workers
            .<Job, ArrayList<Answer>>run(
                "evaluate: ARIMA " + orders,
                jobs,
                (items, hadoop) -> answers(items, ofAll, steps),
                ArimaRun::concat)
            .orElseGet(ArrayList::new);
    var unfitted = new ArrayList<String>();
    for (Answer answer : answers) {
      if (!answer.isFitted()) {
        unfitted.add(answer.series() + "/" + answer.k());
        continue;
      }
      for (int i = 0; i < answer.samples().length; i++) {
        for (int h = 0; h < H; h++) {
          forecasts[answer.samples()[i]][h * K + answer.k()] = answer.forecasts()[i][h];
        }
      }
    }
    unfitted.sort(Comparator.naturalOrder());
    return new Result(forecasts, unfitted, answers.size() - unfitted.size());
  }

  private Map<String, Rows> gather(List<String> parts, HashMap<String, Long> last) {
    WindowSource.Opener source = opener;
    int[] columns = channels;
    long ticks = stepTicks;
    return workers
        .<String, HashMap<String, Rows>>run(
            "evaluate: rows for ARIMA",
            parts,
            (paths, hadoop) -> rows(paths, source.open(hadoop), columns, ticks, last),
            (a, b) -> {
              b.forEach((series, more) -> a.merge(series, more, Rows::merge));
              return a;
            })
        .orElseGet(HashMap::new);
  }

  private static HashMap<String, Rows> rows(
      Iterator<String> paths,
      WindowSource source,
      int[] channels,
      long stepTicks,
      Map<String, Long> last) {
    var rows = new HashMap<String, Rows>();
    while (paths.hasNext()) {
      Part part = source.part(paths.next());
      boolean isTrain = part.split().equals(Split.TRAIN.label());
      for (Iterator<Segment> it = source.segments(part); it.hasNext(); ) {
        Segment segment = it.next();
        Long to = last.get(segment.series());
        if (to != null) {
          Rows of =
              rows.computeIfAbsent(
                  segment.series(),
                  s ->
                      new Rows(
                          new SeriesValues(channels.length), new SeriesValues(channels.length)));
          of.all().add(segment, channels, stepTicks, Long.MIN_VALUE, to);
          if (isTrain) {
            of.train().add(segment, channels, stepTicks, Long.MIN_VALUE, to);
          }
        }
      }
    }
    return rows;
  }

  private ArrayList<Job> jobs(
      List<ForecastPass.Sample> samples, Map<String, Rows> rows, Map<String, Long> last) {
    var bySeries = new TreeMap<String, List<Integer>>();
    for (int i = 0; i < samples.size(); i++) {
      bySeries.computeIfAbsent(samples.get(i).series(), s -> new ArrayList<>()).add(i);
    }
    var jobs = new ArrayList<Job>();
    bySeries.forEach(
        (series, indices) -> {
          indices.sort(Comparator.comparingLong(i -> samples.get(i).originStep()));
          Rows of = rows.get(series);
          int[] origins =
              indices.stream()
                  .mapToInt(
                      i -> Math.toIntExact(samples.get(i).originStep() - of.all().firstStep()))
                  .toArray();
          int[] places = indices.stream().mapToInt(i -> i).toArray();
          for (int k = 0; k < channels.length; k++) {
            jobs.add(
                new Job(
                    series,
                    k,
                    of.train().channel(k, Long.MAX_VALUE - 1),
                    of.all().channel(k, last.get(series)),
                    origins,
                    places));
          }
        });
    return jobs;
  }

  private static ArrayList<Answer> answers(Iterator<Job> jobs, ArimaOrders orders, int H) {
    var answers = new ArrayList<Answer>();
    while (jobs.hasNext()) {
      Job job = jobs.next();
      Optional<SeasonalArima> arima = SeasonalArima.fit(job.train(), orders);
      double[][] forecasts =
          arima.map(a -> a.forecast(job.values(), job.origins(), H)).orElse(null);
      answers.add(new Answer(job.series(), job.k(), job.samples(), forecasts));
    }
    return answers;
  }

  private static ArrayList<Answer> concat(ArrayList<Answer> first, ArrayList<Answer> second) {
    first.addAll(second);
    return first;
  }
}
