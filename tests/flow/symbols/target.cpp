// SPDX-License-Identifier: MIT

// Names that need to be demangled, templates, and what they inline.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace shapes
{

template <class Number> class Square
{
  public:
    explicit Square(Number side_) : side(side_) {}
    __attribute__((noinline)) std::string describe(int times) const;

  private:
    Number side;
};

template <class Number>
std::string
Square<Number>::describe(int times) const
{
    std::string text;

    for (int i = 0; i < times; i++)
        text += std::to_string(side * i);
    return text;
}

} // namespace shapes

int
main(int argc, char **)
{
    std::vector<int> numbers;

    for (int i = 0; i < 1000; i++)
        numbers.push_back(i * argc % 77);
    std::sort(numbers.begin(), numbers.end(),
              [](int left, int right) { return left > right; });
    std::printf("%s\n",
                shapes::Square<int>(numbers[3]).describe(argc).c_str());
    return 0;
}
