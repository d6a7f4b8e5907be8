package io.sluice.benchmarks.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.benchmarks.Report;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.DoubleStream;
import org.apache.commons.math3.stat.descriptive.DescriptiveStatistics;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * How good is an experiment of {@code conf/} on its test split, and how much does chance move it?
 *
 * <pre>SLUICE_DATA=FOLDER lib/benchmarks/run.sh accuracy [--record] EXPERIMENT [--help]</pre>
 *
 * <p>The jobs run as a person starts them: {@code build-sequences} once, {@code train} and {@code
 * evaluate} for each seed ({@code train.seed}: first weights, order, dropout). The test split is
 * read once a seed, after the last epoch. Times are those of training, validation included, added
 * up over the attempts of a run; the machine may do other things meanwhile, so they are no
 * measurement of speed.
 *
 * <p>Dataset, checkpoints and bundles stay in a folder: a run that is cut goes on from its
 * checkpoint when the command is given again, and one that has ended is only judged again.
 */
@Command(
    name = "run.sh accuracy",
    sortOptions = false,
    usageHelpAutoWidth = false,
    usageHelpWidth = 100)
public final class AccuracyBenchmark implements Callable<Integer> {
  @Parameters(paramLabel = "EXPERIMENT", description = "A file of conf/, without .conf.")
  String experiment;

  @Option(
      names = "--after",
      split = ",",
      paramLabel = "EXPERIMENT",
      description = "Experiments that are built and trained before it, with the same seed.")
  List<String> before = List.of();

  @Option(
      names = "--seeds",
      split = ",",
      paramLabel = "N",
      defaultValue = "1,2,3",
      description = "Default: ${DEFAULT-VALUE}.")
  List<Integer> seeds;

  @Option(
      names = "--metric",
      defaultValue = "accuracy",
      description = "What is averaged over seeds. Default: ${DEFAULT-VALUE}.")
  String metric;

  @Option(
      names = "--folder",
      defaultValue = "lake/accuracy",
      description = "Where runs are kept. Default: ${DEFAULT-VALUE}.")
  Path folder;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "A setting of all jobs; may be repeated.")
  List<String> settings = List.of();

  @Option(names = "--help", usageHelp = true, description = "Shows this.")
  boolean help;

  public static void main(String[] args) {
    System.exit(new CommandLine(new AccuracyBenchmark()).execute(args));
  }

  @Override
  public Integer call() throws Exception {
    folder = folder.toAbsolutePath().normalize();
    var chain = new ArrayList<>(before);
    chain.add(experiment);
    for (String each : chain) {
      if (!Files.exists(JobScript.config(each))) {
        System.err.println("There is no " + JobScript.config(each));
        return 2;
      }
    }
    for (String each : chain) {
      buildOnce(each);
    }
    var bySeed = new LinkedHashMap<String, Object>();
    var values = new ArrayList<Double>();
    for (int seed : seeds) {
      Map<String, Object> result = ofSeed(chain, seed);
      bySeed.put("seed " + seed, result);
      values.add(((JsonNode) result.get("test")).required(metric).asDouble());
      System.out.printf(Locale.ROOT, "seed %d: %s %s%n", seed, metric, values);
    }
    report(bySeed, values.stream().mapToDouble(Double::doubleValue).toArray());
    return 0;
  }

  private JobScript job(String name, String of) {
    var job = new JobScript(name, of).set("lake.root", folder.resolve("lake"));
    settings.forEach(job::set);
    return job;
  }

  private void buildOnce(String of) throws Exception {
    Path built = folder.resolve(of + ".built");
    if (!Files.exists(built)) {
      job("build-sequences", of).run();
      Files.createFile(built);
    }
  }

  /** Trains the chain with one seed, and judges its last. */
  private Map<String, Object> ofSeed(List<String> chain, int seed) throws Exception {
    Path own = folder.resolve("seed-" + seed);
    var result = new LinkedHashMap<String, Object>();
    double seconds = 0;
    for (String each : chain) {
      Path run = own.resolve(each);
      JsonNode report =
          job("train", each)
              .set("train.seed", seed)
              .set("registry.path", own.resolve("models"))
              .set("train.checkpoint.path", run.resolve("checkpoints"))
              .set("train.metrics-path", run.resolve("metrics.jsonl"))
              .run();
      TrainRun trained = new TrainRun(report, TrainRun.lines(run.resolve("metrics.jsonl")));
      seconds += trained.seconds();
      result.put(each, json(report, trained));
    }
    result.put("minutes of training", Report.rounded(seconds / 60));
    JsonNode judged =
        job("evaluate", experiment)
            .set("registry.path", own.resolve("models"))
            .set("evaluate.output", own.resolve("evaluation"))
            .set("evaluate.explain.samples", 0)
            .set("evaluate.explain.negations", "[]")
            .run();
    result.put("test", judged.required("metrics"));
    return result;
  }

  private static Map<String, Object> json(JsonNode report, TrainRun trained) {
    double[] losses = trained.validationLosses();
    var json = new LinkedHashMap<String, Object>();
    json.put("parameters", report.required("parameters"));
    json.put("minutes", Report.rounded(trained.seconds() / 60));
    json.put(
        "validation loss by epoch", DoubleStream.of(losses).mapToObj(Report::rounded).toList());
    return json;
  }

  private void report(Map<String, Object> bySeed, double[] values) throws Exception {
    var statistics = new DescriptiveStatistics(values);
    var report =
        new Report(
                "accuracy-" + experiment,
                "How good is conf/%s.conf on its test split, and how much does chance move it?"
                    .formatted(experiment))
            .put("settings", new ObjectMapper().valueToTree(settings))
            .put("after", before);
    bySeed.forEach(report::put);
    report.put(metric, Report.rounded(statistics.getMean()));
    if (values.length > 1) {
      report.put(
          "standard deviation over seeds", Report.rounded(statistics.getStandardDeviation()));
    }
    report.finish();
  }
}
