package io.sluice.scoring.bundle;

import static io.sluice.scoring.bundle.BundleFixture.HADOOP;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.failure.UserFailure;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.io.TempDir;

/** Publishers that start in the same instant, on a real file system. */
class ConcurrentPublishersTest {
  private static final int PUBLISHERS = 6;

  @TempDir Path folder;

  @RepeatedTest(5)
  void eachGetsItsOwnVersionWhereTheNumberIsOpen() throws Exception {
    BundleFixture fixture = BundleFixture.forecast(folder.resolve("dataset"));
    Path registry = folder.resolve("models");

    List<Object> outcomes = atOnce(() -> fixture.publish(registry, Optional.empty()));

    assertThat(outcomes)
        .allSatisfy(outcome -> assertThat(outcome).isInstanceOf(PublishedBundle.class))
        .extracting(outcome -> ((PublishedBundle) outcome).version())
        .containsExactlyInAnyOrderElementsOf(IntStream.rangeClosed(1, PUBLISHERS).boxed().toList());
    for (Object outcome : outcomes) {
      var published = (PublishedBundle) outcome;
      assertThat(ModelBundle.open(published.uri(), HADOOP).hash()).isEqualTo(published.hash());
    }
    assertNothingIsLeftBehind(registry);
  }

  @RepeatedTest(5)
  void oneGetsAGivenVersionAndTheOthersAreRefused() throws Exception {
    BundleFixture fixture = BundleFixture.forecast(folder.resolve("dataset"));
    Path registry = folder.resolve("models");

    List<Object> outcomes = atOnce(() -> fixture.publish(registry, Optional.of(3)));

    List<Object> published =
        outcomes.stream().filter(outcome -> outcome instanceof PublishedBundle).toList();
    assertThat(published).hasSize(1);
    assertThat(outcomes)
        .filteredOn(outcome -> !(outcome instanceof PublishedBundle))
        .allSatisfy(
            outcome ->
                assertThat((Throwable) outcome)
                    .isInstanceOf(UserFailure.class)
                    .hasMessageStartingWith("Cannot publish pump version 3: "));
    assertThat(ModelBundle.open(registry.resolve("pump/3").toString(), HADOOP).hash())
        .isEqualTo(((PublishedBundle) published.get(0)).hash());
    assertNothingIsLeftBehind(registry);
  }

  private static void assertNothingIsLeftBehind(Path registry) throws Exception {
    try (var files = Files.walk(registry)) {
      assertThat(files.filter(Files::isRegularFile).map(file -> file.getFileName().toString()))
          .allMatch(name -> name.equals("manifest.json") || name.equals("model.zip"));
    }
  }

  private static List<Object> atOnce(Callable<PublishedBundle> publisher) throws Exception {
    var start = new CyclicBarrier(PUBLISHERS);
    var threads = Executors.newFixedThreadPool(PUBLISHERS);
    try {
      var futures = new ArrayList<Future<PublishedBundle>>();
      for (int i = 0; i < PUBLISHERS; i++) {
        futures.add(
            threads.submit(
                () -> {
                  start.await();
                  return publisher.call();
                }));
      }
      var outcomes = new ArrayList<Object>();
      for (Future<PublishedBundle> future : futures) {
        try {
          outcomes.add(future.get());
        } catch (ExecutionException e) {
          outcomes.add(e.getCause());
        }
      }
      return outcomes;
    } finally {
      threads.shutdownNow();
    }
  }
}
