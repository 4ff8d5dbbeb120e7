// All nine operations of a Substrate on a real supervisord: supervisord_client URL PROGRAM
#include <iostream>

#include <reeve/supervisor/supervisor_substrate.h>

using namespace reeve;

int main(int argc, char** argv) {
  const auto options = supervisor::options_for(argc > 1 ? argv[1] : supervisor::default_url);
  const auto name = substrate::InstanceName::parse(argc > 2 ? argv[2] : "web");
  if (!options || !name) {
    std::cerr << (options ? name.error() : options.error()).message << "\n";
    return 2;
  }
  const base::SystemClock clock;
  const auto soon = [&] { return base::Deadline::after(clock, std::chrono::seconds(30)); };
  int failures = 0;
  const auto show = [&](const char* operation, const auto& result, const auto& print) {
    std::cout << operation << ": ";
    if (result) {
      print(*result);
    } else {
      std::cout << to_string(result.error().kind) << ": " << result.error().message;
      failures += result.error().kind == base::ErrorKind::not_implemented ? 0 : 1;
    }
    std::cout << "\n";
  };
  const auto print_outcome = [](substrate::Outcome outcome) {
    std::cout << (outcome == substrate::Outcome::changed ? "changed" : "unchanged");
  };
  const std::shared_ptr<substrate::Substrate> manager = supervisor::connect_to(*options);

  show("connect", manager->connect(soon()), [](auto pid) { std::cout << "pid " << pid.value; });
  show("list", manager->list_instances(soon()), [](const auto& listing) {
    for (const substrate::InstanceDetail& each : listing.instances) {
      std::cout << each.name.text() << " " << to_string(each.state) << "; ";
    }
  });
  show("stop", manager->stop_instance(*name, substrate::StopMode::graceful, soon()), print_outcome);
  show("start", manager->start_instance(*name, soon()), print_outcome);
  show("restart", manager->restart_instance(*name, soon()), print_outcome);
  show("get", manager->get_instance(*name, soon()),
       [](const auto& detail) { std::cout << to_string(detail.state); });
  show("execute", manager->execute_command(*name, "uptime", soon()),
       [](const auto& done) { std::cout << done.output; });
  // A Result<void> has no value to print.
  for (const auto& result : {manager->create_instance({*name, "/bin/true"}, soon()),
                             manager->delete_instance(*name, substrate::StopMode::force, soon())}) {
    std::cout << "create, delete: " << (result ? "done" : result.error().message) << "\n";
  }
  return failures == 0 ? 0 : 1;
}
